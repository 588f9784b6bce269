// The sentence for an error in the reader's language, by its code; fetched with the first error, like its texts.

import { formatBytes, formatNumber, loadTexts, t } from "./i18n.js";

// An error has `code`, `message`, `hint` and `values`, as the server gives them. The server's own words are the answer
// where the page has no text for the code, or where a value that the text has a place for did not come.
export async function localErrorText({ code, message, hint, values }) {
  await loadTexts("errors/");
  const known = { message: message ?? "", hint: hint ?? "", ...values };
  for (const [name, value] of Object.entries(known)) {
    if (typeof value === "number") known[name] = name === "bytes" ? formatBytes(value) : formatNumber(value, 1);
  }
  const key = `error.${code}`;
  const text = t(key, known).trim();
  const isWhole = text !== key && !/\{\w+\}/.test(text);
  return isWhole ? text : [message, hint].filter(Boolean).join(" ");
}
