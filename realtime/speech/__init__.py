"""Speech: from a request to a line, from a line to its recording and its sound."""
