// The texts in English of the page of the API.

export const words = {
  "docs.title": "The API of this server",
  "docs.skip": "Skip to the operations",
  "docs.groups": "Groups of operations",
  "docs.search": "Search the operations",
  "docs.none": "No operation is called so.",
  "docs.loading": "The description of the API is being fetched …",
  "docs.key": "needs a key",
  "docs.command": "A command for a shell",
  "docs.parameters": "Parameters",
  "docs.body": "Body",
  "docs.answers": "Answers",
  "docs.headers": "Headers:",
  "docs.name": "Name",
  "docs.type": "Type",
  "docs.about": "What it is",
  "docs.needed": "needed",
  "docs.default": "Default:",
};
