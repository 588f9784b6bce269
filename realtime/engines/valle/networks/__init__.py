"""VALL-E X's networks as plain torch modules with the published parameter names."""
