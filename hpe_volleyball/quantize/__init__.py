"""Converted models, and the proof of what they cost: FP16 and INT8."""
