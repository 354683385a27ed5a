"""What samples are judged by: extractors of features, and what a score rests on."""
