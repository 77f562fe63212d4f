"""What a workspace says about the world outside: computes and connections."""
