/* SPDX-License-Identifier: MIT */
/* The results as a table for people, or as JSON. */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"

static const char *const side_names[NR_SIDES] = {
	[SIDE_MODEL] = "model",
	[SIDE_LINUX] = "kernel",
	[SIDE_PLAIN] = "plain memory",
	[SIDE_WITHOUT] = "model without it",
};

static struct {
	const struct options *options;
	struct json_object *root, *results;
	unsigned missed;
	/* The one-thread row that a two-thread row follows. */
	struct result single;
} report;

/* 1: met, 0: missed, -1: none, or nothing to compare with. */
static int aim_met(const struct result *result)
{
	const struct benchmark *benchmark = result->benchmark;

	if (benchmark->most_ns != 0)
		return result->side[SIDE_MODEL].median_ns <= benchmark->most_ns;
	if (result->ratio == 0 || (benchmark->faster == 0 && benchmark->slower == 0))
		return -1;
	if (benchmark->faster != 0)
		return result->ratio >= benchmark->faster;
	return 1 / result->ratio <= benchmark->slower;
}

/* ---- text ---- */

static void print_timing(const struct timing *timing)
{
	char range[48];

	if (!timing->present) {
		printf(" %9s %-19s", "-", "");
		return;
	}
	snprintf(range, sizeof(range), "(%.4g…%.4g)", timing->min_ns, timing->max_ns);
	/* The ellipsis is three bytes and one column. */
	printf(" %9.4g %-21s", timing->median_ns, range);
}

static void print_ratio(const struct result *result)
{
	const struct benchmark *benchmark = result->benchmark;
	int met = aim_met(result);

	if (result->ratio >= 1)
		printf(" %6.1f × faster", result->ratio);
	else if (result->ratio > 0)
		printf(" %6.1f × slower", 1 / result->ratio);
	if (met < 0)
		return;
	if (benchmark->most_ns != 0)
		printf("  aim ≤ %.3g ns", benchmark->most_ns);
	else if (benchmark->faster != 0)
		printf("  aim ≥ %.0f × faster", benchmark->faster);
	else
		printf("  aim ≤ %.2g × slower", benchmark->slower);
	printf(": %s", met ? "met" : "MISSED");
}

static void print_scaling(const struct result *result)
{
	printf("  %-18s two threads do", result->benchmark->name);
	for (int i = 0; i < NR_SIDES; i++) {
		if (result->side[i].present)
			printf(" %s%.2f × what one does (%s)", i == SIDE_MODEL ? "" : ", ",
			       report.single.side[i].median_ns / result->side[i].median_ns,
			       side_names[i]);
	}
	putchar('\n');
}

static void print_result(const struct result *result)
{
	const struct benchmark *benchmark = result->benchmark;
	char name[40];

	snprintf(name, sizeof(name), "%s%s", benchmark->name,
		 !benchmark->scaling       ? "" :
		 result->work.threads == 1 ? " 1" :
					     " 2");
	printf("  %-19s ns/%s", name, benchmark->unit);
	print_timing(&result->side[SIDE_MODEL]);
	print_timing(&result->side[benchmark->against]);
	print_ratio(result);
	putchar('\n');
	if (benchmark->scaling && result->work.threads == 2)
		print_scaling(result);
	fflush(stdout);
}

static void print_begin(const struct options *options, const struct host_description *host)
{
	printf("%s, %u CPUs, %.1f GiB, %s; %s; built with %s\n", host->cpu, host->cpus,
	       (double)host->memory_bytes / (1 << 30), host->virt, host->kernel, host->compiler);
	printf("%llu pages, %u repetitions, transparent huge pages off for the kernel (here: %s)\n",
	       (unsigned long long)options->pages, options->repetitions, host->thp);
	printf("median (shortest…longest)\n\n");
	printf("  %-19s %-7s %9s %-20s%9s %-19s\n", "", "", "model", "", "other", "");
}

/* ---- JSON ---- */

static struct json_object *json_timing(const struct timing *timing)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "median_ns", json_object_new_double(timing->median_ns));
	json_object_object_add(object, "min_ns", json_object_new_double(timing->min_ns));
	json_object_object_add(object, "max_ns", json_object_new_double(timing->max_ns));
	return object;
}

static void json_result(const struct result *result)
{
	static const char *const keys[NR_SIDES] = { "model", "linux", "plain", "without" };
	const struct benchmark *benchmark = result->benchmark;
	struct json_object *object = json_object_new_object();
	int met = aim_met(result);

	json_object_object_add(object, "name", json_object_new_string(benchmark->name));
	json_object_object_add(object, "title", json_object_new_string(benchmark->title));
	json_object_object_add(object, "unit", json_object_new_string(benchmark->unit));
	json_object_object_add(object, "threads",
			       json_object_new_int64((int64_t)result->work.threads));
	json_object_object_add(object, "pages", json_object_new_int64((int64_t)result->work.pages));
	for (int i = 0; i < NR_SIDES; i++)
		if (result->side[i].present)
			json_object_object_add(object, keys[i], json_timing(&result->side[i]));
	if (result->ratio != 0)
		json_object_object_add(object, "ratio", json_object_new_double(result->ratio));
	if (benchmark->faster != 0)
		json_object_object_add(object, "aim_ratio",
				       json_object_new_double(benchmark->faster));
	if (benchmark->slower != 0)
		json_object_object_add(object, "aim_ratio",
				       json_object_new_double(1 / benchmark->slower));
	if (benchmark->most_ns != 0)
		json_object_object_add(object, "aim_ns",
				       json_object_new_double(benchmark->most_ns));
	if (met >= 0)
		json_object_object_add(object, "aim_met", json_object_new_boolean(met));
	json_object_array_add(report.results, object);
}

static void json_begin(const struct options *options, const struct host_description *host)
{
	struct json_object *machine = json_object_new_object();

	report.root = json_object_new_object();
	report.results = json_object_new_array();
	json_object_object_add(machine, "cpu", json_object_new_string(host->cpu));
	json_object_object_add(machine, "cpus", json_object_new_int64((int64_t)host->cpus));
	json_object_object_add(machine, "memory_bytes",
			       json_object_new_int64((int64_t)host->memory_bytes));
	json_object_object_add(machine, "kernel", json_object_new_string(host->kernel));
	json_object_object_add(machine, "virtualisation", json_object_new_string(host->virt));
	json_object_object_add(machine, "compiler", json_object_new_string(host->compiler));
	json_object_object_add(machine, "transparent_hugepage", json_object_new_string(host->thp));
	json_object_object_add(report.root, "machine", machine);
	json_object_object_add(report.root, "repetitions",
			       json_object_new_int64((int64_t)options->repetitions));
	json_object_object_add(report.root, "results", report.results);
}

/* ---- both ---- */

void report_begin(const struct options *options, const struct host_description *host)
{
	report.options = options;
	if (options->json)
		json_begin(options, host);
	else
		print_begin(options, host);
}

void report_result(const struct result *result)
{
	report.missed += aim_met(result) == 0;
	if (report.options->json)
		json_result(result);
	else
		print_result(result);
	report.single = *result;
}

void report_skipped(const struct benchmark *benchmark, const char *reason)
{
	struct json_object *object;

	if (!report.options->json) {
		printf("  %-19s skipped: %s\n", benchmark->name, reason);
		return;
	}
	object = json_object_new_object();
	json_object_object_add(object, "name", json_object_new_string(benchmark->name));
	json_object_object_add(object, "skipped", json_object_new_string(reason));
	json_object_array_add(report.results, object);
}

unsigned report_end(void)
{
	if (report.options->json) {
		puts(json_object_to_json_string_ext(report.root, JSON_C_TO_STRING_PRETTY));
		json_object_put(report.root);
	} else {
		printf("\n%u aims missed\n", report.missed);
	}
	fflush(stdout);
	return report.missed;
}

void report_list(void)
{
	for (size_t i = 0; i < nr_benchmarks; i++)
		printf("  %-19s %s%s\n", benchmarks[i].name, benchmarks[i].title,
		       benchmarks[i].against == SIDE_LINUX ? " (--vs linux)" : "");
}
