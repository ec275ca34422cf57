"""OpenAI-compatible local server: batched generation and LoRA fine-tuning on Transformers and
PEFT."""
