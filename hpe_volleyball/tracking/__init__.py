"""People followed from keyframe to keyframe: boxes and ids for every frame."""
