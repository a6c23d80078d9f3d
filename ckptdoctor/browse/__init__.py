"""Walking through a checkpoint in the terminal. The only room that imports Textual."""
