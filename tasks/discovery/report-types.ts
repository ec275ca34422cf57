/** What a study comes to, as it is stored and shown. */

/** A hypothesis as it stood after an experiment. */
export type StudyLeader = { hypothesis: string; weight: number; parameters: number[]; chiSquare: number };

/** A parameter with its standard error. */
type StudyParameter = { name: string; value: number; error: number };

/** A hypothesis that is still alive at the end, with the experiments that could have refuted it and did not. */
export type StudyClaim = {
  hypothesis: string;
  weight: number;
  parameters: StudyParameter[];
  chiSquare: number;
  freedom: number;
  p: number;
  /** Numbers of experiments of which another hypothesis foretold what would have refuted this one. */
  survived: number[];
};

export type StudyFollowUp = {
  /** `tell-apart`: two claims by one experiment. `farther`: beyond the range that was looked at. `sharpen`: its parameters. */
  kind: 'tell-apart' | 'farther' | 'sharpen';
  settings: number[];
  /** Expected, in nats. */
  information: number;
  /** In words, for people. */
  what: string;
};
