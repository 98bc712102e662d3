// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "steps.h"

int step_plug(struct scene *scene)
{
	return mock_plug(scene->rig.fd, scene->rig.ioas_id, &scene->devices[0]);
}

int step_unplug(struct scene *scene)
{
	return iommufd_destroy(scene->rig.fd, scene->devices[0].id);
}

int step_plug_into_hwpt(struct scene *scene)
{
	return mock_plug(scene->rig.fd, scene->devices[0].hwpt_id,
			 &scene->devices[1]);
}

int step_plug_other(struct scene *scene)
{
	return mock_plug(scene->rig.fd, scene->rig.other_id,
			 &scene->devices[1]);
}

int step_unplug_other(struct scene *scene)
{
	return iommufd_destroy(scene->rig.fd, scene->devices[1].id);
}

int step_replace(struct scene *scene)
{
	return mock_replace(scene->rig.fd, scene->devices[0].id,
			    scene->rig.other_id);
}

int step_replace_back(struct scene *scene)
{
	return mock_replace(scene->rig.fd, scene->devices[0].id,
			    scene->rig.ioas_id);
}

int step_plug_and_map(struct scene *scene)
{
	return step_both(scene, step_plug, step_map);
}

int step_three_in_domain(struct scene *scene)
{
	return step_both(scene, step_plug, step_map_three);
}

int step_two_domains(struct scene *scene)
{
	return step_both(scene, step_plug_and_map, step_plug_other);
}

int step_replaceable(struct scene *scene)
{
	int ret = step_both(scene, step_three_in_domain, step_copy);

	return ret ? ret : ioas_map_fixed(scene->rig.fd, scene->rig.other_id,
					  mock_rig_va(&scene->rig, 14),
					  2 * PAGE_SIZE, mock_rig_iova(14));
}

int step_plug_limited(struct scene *scene)
{
	return step_both(scene, step_limit_buffers, step_plug);
}
