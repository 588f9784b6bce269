"""The networks of DDSP-SVC 6.x, made of torch."""
