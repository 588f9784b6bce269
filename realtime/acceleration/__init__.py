"""What makes networks fast: graph edits, compilers and their measuring; it knows no engine."""
