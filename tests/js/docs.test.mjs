// The page of the API without a browser: operations, the rows of schemas, and commands that a shell reads.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import test from "node:test";

import { curlCommands } from "../../static/docs/curl_command.js";
import { groupsOf, matches } from "../../static/docs/operations.js";
import { SchemaReader } from "../../static/docs/schema_reader.js";

const reader = new SchemaReader({
  Error: { type: "object", properties: { error: { $ref: "#/components/schemas/Reason" } }, required: ["error"] },
  Reason: { type: "object", properties: { code: { type: "string" }, hint: { type: ["string", "null"] } } },
  Tree: { type: "object", properties: { parts: { type: "array", items: { $ref: "#/components/schemas/Tree" } } } },
});
const operation = (more = {}) => ({
  id: "get_x",
  method: "get",
  path: "/x",
  summary: "Get x",
  parameters: [],
  body: {},
  answers: [],
  needsKey: false,
  ...more,
});
// The words of a command as a shell splits it; nothing is run but printf.
const words = (command) =>
  execFileSync("bash", ["-c", `curl() { printf '%s\\0' "$@"; }; ${command}`], {
    encoding: "utf8",
    env: { ...process.env, YAMABIKO_KEY: "bot:SECRET" },
  })
    .split("\0")
    .slice(0, -1);

test("types have a short notation", () => {
  const types = [
    [{ type: "integer", minimum: 0 }, "integer ≥ 0"],
    [{ type: ["number", "null"], minimum: 0.25, maximum: 4 }, "number | null 0.25 … 4"],
    [{ type: "string", minLength: 1, maxLength: 9 }, "string length 1 … 9"],
    [{ type: "string", enum: ["a", null] }, '"a" | null'],
    [{ type: "array", items: { type: "string", format: "binary" }, maxItems: 3 }, "file[] items ≤ 3"],
    [{ anyOf: [{ $ref: "#/components/schemas/Tree" }, { type: "null" }] }, "Tree | null"],
    [{ type: "array", items: { type: ["string", "null"] } }, "(string | null)[]"],
    [{ type: "boolean", const: true }, "true"],
    [{}, ""],
  ];
  for (const [schema, type] of types) assert.equal(reader.typeOf(schema), type);
});

test("fields in fields have their path, and a code its values", () => {
  const code = { properties: { error: { properties: { code: { enum: ["bad"] } } } } };
  const fields = reader.fields({ allOf: [{ $ref: "#/components/schemas/Error" }, code] });
  assert.deepEqual(
    fields.map(({ path, type, isNeeded }) => [path, type, isNeeded]),
    [
      ["error", "object", true],
      ["error.code", '"bad"', false],
      ["error.hint", "string | null", false],
    ],
  );
});

test("a schema that holds itself has an end", () => {
  const paths = reader.fields({ $ref: "#/components/schemas/Tree" }).map(({ path }) => path);
  assert.ok(paths.length > 1 && paths.length < 20);
  assert.deepEqual(paths.slice(0, 2), ["parts", "parts[].parts"]);
});

test("the fields of each kind that a value may be", () => {
  const one = { type: "object", properties: { a: { type: "string", default: "x" } } };
  const two = { type: "object", additionalProperties: { type: "integer" } };
  const fields = reader.fields({ anyOf: [one, two, one] });
  assert.deepEqual(
    fields.map(({ path, initial }) => [path, initial]),
    [
      ["a", '"x"'],
      ["*", ""],
    ],
  );
});

test("operations stand in their groups, HEAD with its GET", () => {
  const answers = { 200: { $ref: "#/components/responses/Ok" } };
  const get = { operationId: "get_a", tags: ["One"], summary: "Get a", responses: answers, security: [{ bearer: [] }] };
  const document = {
    tags: [{ name: "Empty" }, { name: "One", description: "First." }],
    paths: {
      "/a": { get, head: { ...get, operationId: "head_a" }, post: { ...get, operationId: "post_a", security: [{}] } },
    },
    components: { responses: { Ok: { description: "Fine." } } },
  };
  const [group, ...others] = groupsOf(document);
  assert.equal(others.length, 0);
  assert.deepEqual(
    group.operations.map(({ id, headId, needsKey }) => [id, headId, needsKey]),
    [
      ["get_a", "head_a", true],
      ["post_a", undefined, false],
    ],
  );
  assert.equal(group.operations[0].answers[0].about, "Fine.");
  assert.ok(matches(group.operations[0], "HEAD get") && !matches(group.operations[1], "head"));
});

test("a command has what the example has after a shell has read it", () => {
  const example = { text: "It's “$HOME”; `x`", speed: 1.5 };
  const given = { method: "post", body: { "application/json": { example } }, needsKey: true };
  const found = words(curlCommands(operation(given), "http://a:1/")[0]);
  assert.deepEqual(found.slice(0, 3), ["http://a:1/x", "-H", "Authorization: Bearer bot:SECRET"]);
  assert.deepEqual(JSON.parse(found.at(-1)), example);
});

test("a form has its files, and sound goes into a file", () => {
  const example = { audio: ["one.wav", "two.wav"], name: "Na na", format: "mp3" };
  const answers = [{ status: "200", content: { "audio/wav": {} } }];
  const given = { method: "post", body: { "multipart/form-data": { example } }, answers };
  assert.deepEqual(words(curlCommands(operation(given), "http://a")[0]), [
    ...["http://a/x", "-F", "audio=@one.wav", "-F", "audio=@two.wav", "-F", "name=Na na"],
    ...["-F", "format=mp3", "-o", "sound.mp3"],
  ]);
});

test("parameters of the path and the query are filled in", () => {
  const parameters = [
    { name: "rest", in: "path", example: "a b/c.wav", required: true },
    { name: "q", in: "query", example: "1&2", required: true },
    { name: "other", in: "query", required: false },
  ];
  const [get, head] = curlCommands(operation({ path: "/x/{rest}/{id}", parameters, headId: "head_x" }), "http://a");
  assert.deepEqual(words(get), ["http://a/x/a%20b/c.wav/ID?q=1%262"]);
  assert.deepEqual(words(head), ["-I", "http://a/x/a%20b/c.wav/ID?q=1%262"]);
});

test("other methods are named, and a socket is asked for", () => {
  assert.deepEqual(words(curlCommands(operation({ method: "delete" }), "http://a")[0]), ["http://a/x", "-X", "DELETE"]);
  const socket = curlCommands(operation({ answers: [{ status: "101", content: {} }], headId: "head_x" }), "http://a");
  assert.equal(socket.length, 1);
  assert.ok(words(socket[0]).includes("Upgrade: websocket"));
});
