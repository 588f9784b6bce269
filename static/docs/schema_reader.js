// Schemas of the API's document as rows of a table: a field's path, its type in a short notation, its description.

const MOST_DEPTH = 8; // of fields in fields: no schema of the document is deeper, unless it holds itself

export class SchemaReader {
  #components;

  constructor(components) {
    this.#components = components;
  }

  // The type of a schema's values, such as `integer ≥ 0`, `"wav" | "mp3"`, `Word[]` or `string | null`.
  typeOf(schema) {
    if (schema.$ref) return nameIn(schema.$ref);
    if (schema.anyOf) return joined(schema.anyOf.map((each) => this.typeOf(each)));
    if (schema.allOf) return this.typeOf(schema.allOf[0]);
    if (schema.enum) return joined(schema.enum.map((value) => JSON.stringify(value)));
    if ("const" in schema) return JSON.stringify(schema.const);
    if (schema.format === "binary") return "file";
    const kinds = [schema.type ?? []].flat();
    const named = kinds.map((kind) => (kind === "array" ? this.#arrayType(schema) : kind));
    return [joined(named), bounds(schema)].filter(Boolean).join(" ");
  }

  // Every field in a schema, those in objects and lists too: [{path, type, isNeeded, about, initial}].
  fields(schema, path = "", depth = 0) {
    const found = new Map(); // by path: alternatives may have a field in common
    if (depth > MOST_DEPTH) return [];
    for (const object of this.#objects(schema)) {
      for (const field of this.#ownFields(object, path, depth)) {
        if (!found.has(field.path)) found.set(field.path, field);
      }
    }
    return [...found.values()];
  }

  #ownFields({ properties = {}, required = [], additionalProperties, items }, path, depth) {
    const found = [];
    const add = (name, field, isNeeded) => {
      const at = path ? `${path}.${name}` : name;
      const about = this.#resolved(field).description ?? "";
      const initial = "default" in field ? JSON.stringify(field.default) : "";
      found.push({ path: at, type: this.typeOf(field), isNeeded, about: field.description ?? about, initial });
      found.push(...this.fields(field, at, depth + 1));
    };
    for (const [name, field] of Object.entries(properties)) add(name, field, required.includes(name));
    if (additionalProperties?.type || additionalProperties?.$ref) add("*", additionalProperties, false);
    if (items) found.push(...this.fields(items, `${path}[]`, depth + 1));
    return found;
  }

  // The objects and lists that a value may be.
  #objects(schema) {
    const found = this.#resolved(schema);
    return found.anyOf ? found.anyOf.flatMap((each) => this.#objects(each)) : [found];
  }

  #resolved(schema) {
    if (schema.$ref) return this.#resolved(this.#components[nameIn(schema.$ref)] ?? {});
    if (schema.allOf) return schema.allOf.reduce((whole, part) => this.#merged(whole, part), {});
    return schema;
  }

  // A schema of the values that fit both.
  #merged(one, other) {
    const [a, b] = [this.#resolved(one), this.#resolved(other)];
    const properties = { ...a.properties };
    for (const [name, field] of Object.entries(b.properties ?? {})) {
      properties[name] = name in properties ? this.#merged(properties[name], field) : field;
    }
    return { ...a, ...b, properties };
  }

  #arrayType({ items = {} }) {
    const type = this.typeOf(items);
    return type.includes(" ") ? `(${type})[]` : `${type}[]`;
  }
}

const nameIn = (ref) => ref.split("/").at(-1);
const joined = (types) => [...new Set(types)].join(" | ");

function bounds(schema) {
  const found = [
    within("", schema.minimum, schema.maximum),
    within("length ", schema.minLength, schema.maxLength),
    within("items ", schema.minItems, schema.maxItems),
  ];
  return found.filter(Boolean).join(", ");
}

function within(what, least, most) {
  if (least !== undefined && most !== undefined) return `${what}${least} … ${most}`;
  if (least !== undefined) return `${what}≥ ${least}`;
  return most === undefined ? "" : `${what}≤ ${most}`;
}
