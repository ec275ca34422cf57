/** An answer that a person wrote, in the form of the problem that it answers. */
export type Written = {
  /** Of the form that is trained on as what was asked (`Rewrite.key`). */
  form: string;
  rationale: string;
  /** Who wrote it, and where it was said. */
  by: string;
};
