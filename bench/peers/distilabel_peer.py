"""The work in distilabel: a pipeline of two tasks with a vote between them.

It asks for all samples of a prompt in one call (`n`), and
has as many prompts in flight as its batches are large."""

from distilabel.models import OpenAILLM
from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromDicts, StepInput, step
from distilabel.steps.tasks import TextGeneration
from work import FORM, answer_of, holds, read_work, tell, winner


@step(inputs=["generation"], outputs=["instruction"], step_type="normal")
def Vote(inputs: StepInput):
    for row in inputs:
        texts = row["generation"]
        row["drawn"] = sum(answer_of(text) is not None for text in texts)
        row["instruction"] = f"Check this work on \"{row['question']}\":\n{winner(texts, [*map(answer_of, texts)])}"
        del row["generation"]
    yield inputs


def llm(work: dict) -> OpenAILLM:
    return OpenAILLM(
        model=work["model"],
        base_url=work["url"],
        api_key="none",
        generation_kwargs={"temperature": 0.8, "max_new_tokens": 128},
    )


if __name__ == "__main__":
    work = read_work()
    size = work["inFlight"]
    rows = [{"question": prompt, "instruction": f"{prompt} {FORM}"} for prompt in work["prompts"]]
    with Pipeline(name="peer") as pipeline:
        load = LoadDataFromDicts(data=rows, batch_size=size)
        samples = TextGeneration(
            name="samples",
            llm=llm(work),
            num_generations=work["samples"],
            group_generations=True,
            input_batch_size=size,
            add_raw_output=False,
            add_raw_input=False,
        )
        critique = TextGeneration(
            name="critique", llm=llm(work), input_batch_size=size, add_raw_output=False, add_raw_input=False
        )
        load >> samples >> Vote(name="vote", input_batch_size=size) >> critique
    rows = pipeline.run(use_cache=False)["default"]["train"]
    tell(work, sum(rows["drawn"]), sum(holds(text) for text in rows["generation"]))
