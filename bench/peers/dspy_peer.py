"""The work in DSPy: two modules over threads, without its cache; each sample is a call, told apart by its rollout."""

import dspy
from work import read_work, tell, winner

work = read_work()
dspy.configure(
    lm=dspy.LM(
        f"openai/{work['model']}", api_base=work["url"], api_key="none", temperature=0.8, max_tokens=128, cache=False
    )
)
solve = dspy.Predict("question -> reasoning, answer")
check = dspy.Predict(dspy.Signature("work -> verdict", "Check this work: does it hold or fail?"))
threads = dspy.Parallel(num_threads=work["inFlight"], disable_progress_bar=True)

prompts, count = work["prompts"], work["samples"]
drawn = threads([(solve, {"question": prompt}) for prompt in prompts for _ in range(count)])
checks = []
for i in range(len(prompts)):
    of_prompt = drawn[i * count : (i + 1) * count]
    text = winner([sample.reasoning for sample in of_prompt], [sample.answer for sample in of_prompt])
    checks.append((check, {"work": f"{prompts[i]}\n{text}"}))
judged = threads(checks)
tell(
    work,
    sum(sample is not None and sample.answer.isdigit() for sample in drawn),
    sum(one is not None and one.verdict == "holds" for one in judged),
)
