"""What options can be, where no light module has it; knows no library, so that --help is fast."""

from __future__ import annotations

from typing import Literal

Quality = Literal["low", "medium", "high"]
"""How much of the pictures a video keeps."""
Weights = Literal["real", "random"]
"""What the nets of a benchmark are made of."""
Target = Literal["fp16", "int8"]
"""What a model can be converted to."""
