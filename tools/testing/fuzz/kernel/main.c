// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzzes xenemu.ko: runs programs of ioctls and hypercalls, keeps those that reach
 * something new, and makes others of them.
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>

#include "exec.h"
#include "journal.h"
#include "kcov.h"
#include "mutate.h"
#include "reproduce.h"

/* Programs that one world sees; less than half of what the journal holds. */
#define WORLD_PROGRAMS	100
/* A call that waits is interrupted after so many microseconds, and again. */
#define PATIENCE_US	30000
#define MAX_CORPUS	4000
#define REPORT_SECONDS	10
#define MAX_PROG_EDGES	4096

struct entry {
	struct prog prog;
	uint32_t *edges;
	unsigned int nr_edges;
	/* In the cover; what it adds to that, at most. */
	bool chosen;
	unsigned int adds;
};

static struct entry *corpus[MAX_CORPUS];
static unsigned int nr_corpus;
static unsigned long nr_kept, nr_seeds;

static struct world world;
static bool have_world, verbose;
static unsigned int nr_worlds, nr_in_world;
static unsigned long nr_progs, nr_calls, nr_interrupted;

/* What the time goes into. */
enum cost {
	COST_WORLDS,
	COST_JOURNAL,
	COST_CALLS,
	COST_COVERAGE,
	NR_COSTS,
};

static uint64_t cost_us[NR_COSTS];

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000ULL + ts.tv_nsec / 1000;
}

static uint64_t now_ms(void)
{
	return now_us() / 1000;
}

/* What has passed since @since was for @cost; returns now. */
static uint64_t spent(enum cost cost, uint64_t since)
{
	uint64_t now = now_us();

	cost_us[cost] += now - since;
	return now;
}

/* ---- running ---- */

static void on_alarm(int sig)
{
}

static void set_alarm(unsigned int us)
{
	const struct itimerval timer = { { 0, us }, { 0, us } };

	setitimer(ITIMER_REAL, &timer, NULL);
}

static void renew_world(void)
{
	if (have_world)
		world_destroy(&world);
	world_create(&world);
	have_world = true;
	nr_worlds++;
	nr_in_world = 0;
}

static void print_result(const struct call *call, long ret)
{
	char text[MAX_TEXT];

	prog_print_call(call, text, sizeof(text));
	if (ret < 0 && ret > -4096)
		printf("%s = %s\n", text, strerrorname_np(-ret) ?: "?");
	else
		printf("%s = %ld\n", text, ret);
}

/* What it ran is what kcov then has. */
static void run(const struct prog *prog)
{
	char text[MAX_TEXT];
	unsigned int i, lost = 0;
	uint64_t time = now_us();
	long ret;

	if (!have_world || nr_in_world == WORLD_PROGRAMS)
		renew_world();
	time = spent(COST_WORLDS, time);
	nr_in_world++;
	nr_progs++;
	nr_calls += prog->nr;
	if (prog_print(prog, text, sizeof(text)) >= 0)
		journal_write(nr_worlds, text);
	time = spent(COST_JOURNAL, time);
	set_alarm(PATIENCE_US);
	kcov_start();
	for (i = 0; i < prog->nr; i++) {
		ret = exec_call(&world, &prog->call[i]);
		/* The guest is lost, or the domain is gone. */
		lost += ret == -EIO || ret == -ENODEV || ret == -EBADF;
		nr_interrupted += ret == -EINTR;
		if (verbose)
			print_result(&prog->call[i], ret);
	}
	kcov_stop();
	time = spent(COST_CALLS, time);
	/* A call may also have asked for what never was. */
	if (lost > 1 && !world_mend(&world))
		nr_in_world = WORLD_PROGRAMS;
	set_alarm(0);
	spent(COST_WORLDS, time);
}

/* How much it ran that no program did before. */
static unsigned int count_new(void)
{
	uint64_t start = now_us();
	unsigned int nr = kcov_new();

	spent(COST_COVERAGE, start);
	return nr;
}

/* ---- the corpus ---- */

/* Without the calls that what is new does not need; it has @news edges. */
static void minimize(struct prog *prog, unsigned int news)
{
	static struct prog shorter;
	unsigned int i = 0;

	while (i < prog->nr && prog->nr > 1) {
		shorter = *prog;
		prog_remove(&shorter, i);
		run(&shorter);
		if (count_new() >= news)
			*prog = shorter;
		else
			i++;
	}
}

static char *load(const char *path)
{
	FILE *file = fopen(path, "re");
	static char text[MAX_TEXT];

	if (!file)
		err(1, "%s", path);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	return text;
}

static void save(const char *dir, const struct prog *prog)
{
	char text[MAX_TEXT], path[512];
	uint64_t hash = 0xcbf29ce484222325ULL;
	const char *p;
	FILE *file;

	if (prog_print(prog, text, sizeof(text)) < 0)
		return;
	for (p = text; *p; p++)
		hash = (hash ^ (uint8_t)*p) * 0x100000001b3ULL;
	snprintf(path, sizeof(path), "%s/%016jx.prog", dir, (uintmax_t)hash);
	file = fopen(path, "we");
	if (!file)
		err(1, "%s", path);
	fputs(text, file);
	fclose(file);
}

/* Choose few programs that together run all that was run, at most @max: the greediest. */
static unsigned int choose_cover(unsigned int max)
{
	static uint8_t covered[KCOV_MAX_EDGES];
	struct entry *entry, *best;
	unsigned int nr, most, i, n;

	memset(covered, 0, sizeof(covered));
	for (i = 0; i < nr_corpus; i++) {
		corpus[i]->chosen = false;
		corpus[i]->adds = corpus[i]->nr_edges;
	}
	for (nr = 0; nr < max; nr++) {
		best = NULL;
		for (i = most = 0; i < nr_corpus; i++) {
			entry = corpus[i];
			/* It never becomes more. */
			if (entry->adds <= most)
				continue;
			for (n = entry->adds = 0; n < entry->nr_edges; n++)
				entry->adds += !covered[entry->edges[n]];
			if (entry->adds > most) {
				most = entry->adds;
				best = entry;
			}
		}
		if (!best)
			break;
		for (n = 0; n < best->nr_edges; n++)
			covered[best->edges[n]] = 1;
		best->chosen = true;
		best->adds = 0;
	}
	return nr;
}

static unsigned int save_cover(const char *dir)
{
	unsigned int nr = choose_cover(nr_corpus), i;

	for (i = 0; i < nr_corpus; i++)
		if (corpus[i]->chosen)
			save(dir, &corpus[i]->prog);
	return nr;
}

/*
 * Without those that run only what the others run. Should nearly all be needed, those that
 * add least go, too: this takes long, and must not be for one more program.
 */
static void thin_out(void)
{
	unsigned int nr = 0, i;

	choose_cover(MAX_CORPUS * 3 / 4);
	for (i = 0; i < nr_corpus; i++) {
		if (corpus[i]->chosen) {
			corpus[nr++] = corpus[i];
		} else {
			free(corpus[i]->edges);
			free(corpus[i]);
		}
	}
	nr_corpus = nr;
}

/* Keep a program that has just been run, with what it ran. */
static void keep(const struct prog *prog)
{
	static uint32_t edges[MAX_PROG_EDGES];
	struct entry *entry;
	unsigned int nr;

	kcov_keep(edges, MAX_PROG_EDGES, &nr);
	if (nr_corpus == MAX_CORPUS)
		thin_out();
	entry = malloc(sizeof(*entry));
	if (!entry)
		err(1, "memory");
	entry->prog = *prog;
	entry->nr_edges = nr;
	entry->edges = malloc(nr * sizeof(*edges) + 1);
	if (!entry->edges)
		err(1, "memory");
	memcpy(entry->edges, edges, nr * sizeof(*edges));
	corpus[nr_corpus++] = entry;
	nr_kept++;
}

static void load_seeds(char *const paths[])
{
	static struct prog prog;

	for (; *paths; paths++) {
		if (prog_parse(&prog, load(*paths)))
			errx(1, "%s: not a program", *paths);
		run(&prog);
		keep(&prog);
	}
	nr_seeds = nr_kept;
}

/* ---- the loop ---- */

/* Half of the time one of the youngest. */
static const struct prog *pick(void)
{
	unsigned int young = nr_corpus < 50 ? nr_corpus : 50;

	if (mutate_random(2))
		return &corpus[nr_corpus - 1 - mutate_random(young)]->prog;
	return &corpus[mutate_random(nr_corpus)]->prog;
}

static void step(void)
{
	static struct prog prog;
	unsigned int news;

	if (!nr_corpus || !mutate_random(20)) {
		mutate_generate(&prog);
	} else {
		prog = *pick();
		mutate(&prog, pick());
	}
	run(&prog);
	news = count_new();
	if (!news)
		return;
	minimize(&prog, news);
	run(&prog);
	keep(&prog);
}

static void report(uint64_t ms)
{
	printf("fuzz: %ju s, %lu programs, %ju/s, %lu calls, %u places, %u edges, corpus %u (+%lu)\n",
	       (uintmax_t)ms / 1000, nr_progs, (uintmax_t)(nr_progs * 1000 / (ms ?: 1)),
	       nr_calls, kcov_nr_places(), kcov_nr_edges(), nr_corpus, nr_kept - nr_seeds);
	fflush(stdout);
}

static void report_cost(void)
{
	printf("fuzz: seconds in worlds (%u of them) %ju, journal %ju, calls %ju, coverage %ju\n",
	       nr_worlds, (uintmax_t)cost_us[COST_WORLDS] / 1000000,
	       (uintmax_t)cost_us[COST_JOURNAL] / 1000000,
	       (uintmax_t)cost_us[COST_CALLS] / 1000000,
	       (uintmax_t)cost_us[COST_COVERAGE] / 1000000);
	printf("fuzz: %lu calls were interrupted after %u ms\n", nr_interrupted,
	       PATIENCE_US / 1000);
}

static void fuzz(unsigned int seconds, const char *dir)
{
	uint64_t start = now_ms(), last = start, now;

	while ((now = now_ms()) < start + seconds * 1000ULL) {
		step();
		if (now >= last + REPORT_SECONDS * 1000) {
			report(now - start);
			last = now;
		}
	}
	world_destroy(&world);
	report(now_ms() - start);
	report_cost();
	if (dir)
		printf("fuzz: %u programs in %s run all of it\n", save_cover(dir), dir);
}

static int reproduce_files(char *const paths[])
{
	const char *texts[JOURNAL_BLOCKS];
	unsigned int nr;

	for (nr = 0; paths[nr] && nr < JOURNAL_BLOCKS; nr++) {
		texts[nr] = strdup(load(paths[nr]));
		if (!texts[nr])
			err(1, "memory");
	}
	return reproduce(texts, nr) ? 1 : 0;
}

static int reproduce_journal(const char *path)
{
	const char *texts[JOURNAL_BLOCKS];
	int nr = journal_read(path, texts);

	if (nr < 0)
		errx(1, "%s: there is no program in it", path);
	return reproduce(texts, nr) ? 1 : 0;
}

static void usage(FILE *out)
{
	fputs("usage: xenemu-fuzz [OPTION]... [PROGRAM-FILE]...\n"
	      "\n"
	      "Run programs of ioctls and hypercalls, and what becomes of them when they are\n"
	      "changed. The files are what to begin with.\n"
	      "\n"
	      "  --time S         for so many seconds (60); 0: the files only\n"
	      "  --seed N         another N, another course (the time of day)\n"
	      "  --journal FILE   write each program there before it is run; a disk\n"
	      "  --out DIR        leave there the programs that reached something\n"
	      "  --verbose        print each call and what it returned\n"
	      "  --c              print the files as a test in C, and run nothing\n"
	      "  --reproduce FILE print the journal's last programs as a test in C\n"
	      "  --help           print this\n", out);
}

int main(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "time", required_argument, NULL, 't' },
		{ "seed", required_argument, NULL, 's' },
		{ "journal", required_argument, NULL, 'j' },
		{ "out", required_argument, NULL, 'o' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "c", no_argument, NULL, 'c' },
		{ "reproduce", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	const struct sigaction alarm = { .sa_handler = on_alarm };
	unsigned int seconds = 60, seed = time(NULL);
	const char *dir = NULL;
	bool print = false;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (opt) {
		case 't':
			seconds = strtoul(optarg, NULL, 0);
			break;
		case 's':
			seed = strtoul(optarg, NULL, 0);
			break;
		case 'j':
			journal_open(optarg);
			break;
		case 'o':
			dir = optarg;
			break;
		case 'v':
			verbose = true;
			break;
		case 'c':
			print = true;
			break;
		case 'r':
			return reproduce_journal(optarg);
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (print)
		return reproduce_files(argv + optind);

	sigaction(SIGALRM, &alarm, NULL);
	mutate_seed(seed);
	printf("fuzz: seed %u%s\n", seed, kcov_open() ? "" : ", without KCOV: blind");
	load_seeds(argv + optind);
	fuzz(seconds, dir);
	return 0;
}
