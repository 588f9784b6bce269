"""The engine `valle`: VALL-E X, from weight files and a text to sound."""
