"""Reading a request: JSON, forms, fields, caller, request id."""
