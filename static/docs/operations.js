// Operations of the API's document in their groups; the HEAD of a path stands with its GET.

export function groupsOf({ tags, paths, components }) {
  const groups = tags.map(({ name, description }) => ({ name, about: description, operations: [] }));
  for (const [path, methods] of Object.entries(paths)) {
    const { head, ...others } = methods;
    for (const [method, described] of Object.entries(others)) {
      const { operationId, summary, description, parameters, requestBody, responses, security } = described;
      const operation = {
        id: operationId,
        method,
        path,
        summary,
        about: description ?? "",
        parameters: parameters ?? [],
        body: requestBody?.content ?? {},
        answers: answersOf(responses, components.responses),
        needsKey: security !== undefined && !security.some((way) => Object.keys(way).length === 0),
        headId: method === "get" ? head?.operationId : undefined,
      };
      groups.find(({ name }) => name === described.tags[0]).operations.push(operation);
    }
  }
  return groups.filter(({ operations }) => operations.length);
}

function answersOf(responses, shared) {
  return Object.entries(responses).map(([status, answer]) => {
    const { description, headers = {}, content = {} } = answer.$ref ? shared[answer.$ref.split("/").at(-1)] : answer;
    return { status, about: description, headers, content };
  });
}

// Whether all the words of a search are in what an operation is called.
export function matches({ method, path, summary, id, headId }, search) {
  const text = [method, headId ? "head" : "", path, summary, id].join(" ").toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
