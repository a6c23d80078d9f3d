"""What is known of the libraries that write checkpoints: their words, and what they keep beside variables."""
