"""The engine `gpt_sovits`: GPT-SoVITS, from checkpoints, a reference clip and a text to sound."""
