"""A server with a chat page, and a client that measures round trips."""
