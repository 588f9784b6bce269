"""Networks as plain torch modules under the published names of weights: no files, no settings."""
