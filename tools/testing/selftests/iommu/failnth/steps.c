// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "steps.h"

int step_both(struct scene *scene, step_t first, step_t second)
{
	int ret = first(scene);

	return ret ? ret : second(scene);
}

int step_nothing(struct scene *scene)
{
	(void)scene;
	return 0;
}
