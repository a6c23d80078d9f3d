"""What a pasted error message tells: the symptom it reports, and the causes that fit."""
