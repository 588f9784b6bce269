"""The API's document: operations as their routes declare them, written as OpenAPI 3.1."""
