"""VALL-E X's networks as plain torch modules under the published names."""
