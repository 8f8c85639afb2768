"""The models: ONNX files opened on a device, pictures in, boxes and joints out."""
