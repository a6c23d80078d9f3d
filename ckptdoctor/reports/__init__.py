"""Values → what a person or a program reads. One renderer a file, no decisions."""
