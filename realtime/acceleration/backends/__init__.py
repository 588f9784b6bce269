"""The ways in which a network can run: Inductor, CUDA graphs, ONNX Runtime, TensorRT."""
