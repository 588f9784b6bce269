"""What makes networks fast: graph edits, plans and their measuring; it knows no engine."""

from realtime.acceleration.accelerated import Accelerated
from realtime.acceleration.building import accelerate
from realtime.acceleration.policy import Policy
from realtime.acceleration.shapes import Axis

__all__ = ["Accelerated", "Axis", "Policy", "accelerate"]
