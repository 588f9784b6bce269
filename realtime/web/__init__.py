"""The doors over HTTP: the only package that imports starlette; it holds no core and no model."""
