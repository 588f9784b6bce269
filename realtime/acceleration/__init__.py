"""What makes networks fast: graph edits, plans and their measuring; it knows no engine."""

from realtime.acceleration.accelerate import accelerate
from realtime.acceleration.accelerated import Accelerated
from realtime.acceleration.policy import Policy
from realtime.acceleration.shapes import Axis

__all__ = ["Accelerated", "Axis", "Policy", "accelerate"]
