// Texts as words of a shell's command.

export const shellQuoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
