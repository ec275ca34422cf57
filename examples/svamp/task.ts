/** SVAMP with the split that the documentation measures. */
import { svampTask } from './svamp.ts';

export default svampTask(1);
