"""DDSP-SVC: voices that people trained, 6.0 to 6.3, for another voice."""
