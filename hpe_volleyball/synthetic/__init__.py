"""A synthetic volleyball rally with exact truth, and tiny ONNX models that read it."""

from hpe_volleyball.synthetic.demo_models import write_demo_models
from hpe_volleyball.synthetic.noisy_detector import DetectorErrors, NoisyDetector
from hpe_volleyball.synthetic.noisy_pose import NoisyPose, PoseErrors
from hpe_volleyball.synthetic.rally import Rally, RallyConfig, Truth
from hpe_volleyball.synthetic.video import render_video

__all__ = [
    "DetectorErrors",
    "NoisyDetector",
    "NoisyPose",
    "PoseErrors",
    "Rally",
    "RallyConfig",
    "Truth",
    "render_video",
    "write_demo_models",
]
