"""RVC: voices that people trained, from content features, a pitch and an index to sound."""
