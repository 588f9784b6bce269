"""Other people's protocols: foreign requests become lines, and answers become theirs."""
