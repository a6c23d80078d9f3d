"""Running a plan: bytes that stay are copied by the kernel, the rest is streamed in bounded memory."""
