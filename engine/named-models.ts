/** Models that nobody named, found where they answer. They are stored with the run's settings, so that none changes under way. */
import type { ImproveSettings } from '../loop/input.ts';
import { merge } from '../loop/merge.ts';
import { EndpointError, type Role } from '../models/endpoint.ts';
import { baseModels, onlyModel } from '../models/list.ts';
import type { Task } from '../tasks/task.ts';
import { modelOf, sourceOf } from './context.ts';

const withModel = (settings: ImproveSettings, role: Role, model: string): ImproveSettings =>
  merge(settings, { models: { [role]: { model } } });

/**
 * The settings with a model for each role: where none is named, the only one that its endpoint serves. The other roles share
 * the generator's, unless they answer elsewhere and it is not served there.
 *
 * @throws EndpointError naming the choices where there are several, and a student that would be its own teacher
 */
export async function nameModels(settings: ImproveSettings, task: Task): Promise<ImproveSettings> {
  const generator = sourceOf('generator', settings, task);
  let named = settings;
  if (modelOf('generator', settings, task) === undefined)
    named = withModel(named, 'generator', await onlyModel('generator', generator ?? {}));
  const judges = settings.gates.policy.reward === 'off' ? [] : (['judge'] as const);
  for (const role of ['critic', ...judges] as const) {
    const own = settings.models[role].model ?? task.defaultModels?.[role];
    const source = sourceOf(role, settings, task);
    // A teacher is named, and judges where nobody else is.
    if (own !== undefined || settings.models.teacher || source?.baseURL === generator?.baseURL) continue;
    const served = await baseModels(role, source ?? {}).catch((error: unknown) => {
      if (error instanceof EndpointError) throw error;
      // An endpoint that lists nothing may answer all the same: it is asked for the generator's model.
      return [];
    });
    if (served.length === 0 || served.some(({ id }) => id === modelOf('generator', named, task))) continue;
    named = withModel(named, role, await onlyModel(role, source ?? {}));
  }
  refuseOneModel(named, task);
  return named;
}

/** One that learns from itself is a run without a teacher. */
function refuseOneModel(settings: ImproveSettings, task: Task): void {
  if (!settings.models.teacher) return;
  const [student, teacher] = (['generator', 'teacher'] as const).map((role) => {
    return { model: modelOf(role, settings, task), baseURL: sourceOf(role, settings, task)?.baseURL };
  });
  if (student!.model !== teacher!.model || student!.baseURL !== teacher!.baseURL) return;
  throw new EndpointError(
    `The teacher is the student itself, ${teacher!.model}: name another model in models.teacher.model, or leave the teacher out.`,
  );
}
