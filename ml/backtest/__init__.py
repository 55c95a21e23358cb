"""What models and policies would have been worth, walking through the past."""
