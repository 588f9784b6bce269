"""The ways a network can run: Inductor, CUDA graphs, ONNX, TensorRT."""
