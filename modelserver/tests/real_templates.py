# ruff: noqa: E501
"""Chat templates as models have them, shortened to what matters here: roles, turns, think blocks,
end tokens."""

CHATML = """\
{%- for message in messages -%}
{{ '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>' + '\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- endif -%}"""

# The last answer is rendered with a think block, empty or not; earlier ones lose theirs.
QWEN3 = """\
{%- set ns = namespace(last=-1) -%}
{%- for message in messages -%}{%- if message.role == 'user' -%}{%- set ns.last = loop.index0 -%}{%- endif -%}{%- endfor -%}
{%- for message in messages -%}
{%- set content = message.content -%}
{%- if message.role == 'assistant' -%}
{%- set reasoning = '' -%}
{%- if message.reasoning_content is string -%}
{%- set reasoning = message.reasoning_content -%}
{%- elif '</think>' in content -%}
{%- set reasoning = content.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n') -%}
{%- set content = content.split('</think>')[-1].lstrip('\n') -%}
{%- endif -%}
{{ '<|im_start|>assistant\n' }}
{%- if loop.index0 > ns.last -%}{{ '<think>\n' + reasoning.strip('\n') + '\n</think>\n\n' }}{%- endif -%}
{{ content.lstrip('\n') + '<|im_end|>\n' }}
{%- else -%}
{{ '<|im_start|>' + message.role + '\n' + content + '<|im_end|>\n' }}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{ '<|im_start|>assistant\n' }}
{%- if enable_thinking is defined and enable_thinking is false -%}{{ '<think>\n\n</think>\n\n' }}{%- endif -%}
{%- endif -%}"""

# The prompt opens the think block itself; a system message may only come first.
QWEN35 = QWEN3.replace(
    "{{ '<think>\n\n</think>\n\n' }}{%- endif -%}",
    "{{ '<think>\n\n</think>\n\n' }}{%- else -%}{{ '<think>\n' }}{%- endif -%}",
).replace(
    "{%- set content = message.content -%}",
    "{%- set content = message.content | trim -%}{%- if message.role == 'system' and not loop.first -%}"
    "{{ raise_exception('System message must be at the beginning.') }}{%- endif -%}",
)

LLAMA3 = """\
{%- for message in messages -%}
{%- set content = '<|start_header_id|>' + message.role + '<|end_header_id|>\n\n' + message.content | trim + '<|eot_id|>' -%}
{%- if loop.first -%}{{ bos_token }}{%- endif -%}{{ content }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{%- endif -%}"""

GEMMA = """\
{{ bos_token }}
{%- if messages[0].role == 'system' -%}{{ raise_exception('System role not supported') }}{%- endif -%}
{%- for message in messages -%}
{%- if (message.role == 'user') != (loop.index0 % 2 == 0) -%}
{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}
{%- endif -%}
{%- set role = 'model' if message.role == 'assistant' else message.role -%}
{{ '<start_of_turn>' + role + '\n' + message.content | trim + '<end_of_turn>\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<start_of_turn>model\n' }}{%- endif -%}"""

MISTRAL = """\
{{ bos_token }}
{%- for message in messages -%}
{%- if (message.role == 'user') != (loop.index0 % 2 == 0) -%}
{{ raise_exception('After the optional system message, conversation roles must alternate') }}
{%- endif -%}
{%- if message.role == 'user' -%}{{ '[INST] ' + message.content + ' [/INST]' }}
{%- else -%}{{ ' ' + message.content + eos_token }}{%- endif -%}
{%- endfor -%}"""

CHARACTERS = "\n" + "".join(map(chr, range(32, 127)))
THINKING = ("<|im_start|>", "<|im_end|>", "<think>", "</think>")

MODELS = {
    "chatml": dict(template=CHATML, special=THINKING[:2], eos="<|im_end|>"),
    # As converted from a base model: the config names another end token than the template.
    "qwen3": dict(template=QWEN3, special=THINKING, eos="<eos>"),
    "qwen35": dict(template=QWEN35, special=THINKING, eos="<|im_end|>"),
    "llama": dict(
        template=LLAMA3,
        special=("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
        eos="<|eot_id|>",
        pad=None,
    ),
    "gemma": dict(template=GEMMA, special=("<start_of_turn>", "<end_of_turn>"), eos="<eos>"),
    "mistral": dict(template=MISTRAL, special=("[INST]", "[/INST]"), eos="<eos>", pad=None),
    "plain": dict(template=None, special=(), eos="<eos>", pad=None),
}
"""Arguments of `conftest.make_model` by kind; "plain" has no chat template, as base models."""

END = {
    "chatml": "<|im_end|>",
    "qwen3": "<|im_end|>",
    "qwen35": "<|im_end|>",
    "llama": "<|eot_id|>",
    "gemma": "<end_of_turn>",
    "mistral": "<eos>",
    "plain": "<eos>",
}
