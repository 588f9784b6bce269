"""GPT-SoVITS' HTTP API: `api_v2.py` of the project, and `tts_api.py` of its CUDA fork.

Characters of every engine answer here.
"""
