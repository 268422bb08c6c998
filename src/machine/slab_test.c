/* SPDX-License-Identifier: MIT */
#include "machine/bug_test.h"
#include "machine/machine.h"

#define OBJECT_BYTES 184

static struct machine *m;
static void free_vma(void *object)
{
	kmem_cache_free(m, CACHE_VMA, object);
}

static void alloc_vma(void *arg)
{
	(void)arg;
	kmem_cache_alloc(m, CACHE_VMA);
}

static int setup(void **state)
{
	struct umm_config config;

	(void)state;
	umm_config_init(&config);
	config.ram_bytes = 64 * PAGE_SIZE;
	config.poison = true;
	if (machine_create(&config, &m) != 0)
		return -1;
	kmem_cache_init(m, CACHE_VMA, OBJECT_BYTES);
	kmem_cache_init(m, CACHE_AVC, 8);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	/* A caught bug leaves the lock of the cache held. */
	if (spin_is_locked(&m->caches[CACHE_VMA].lock))
		spin_unlock(&m->caches[CACHE_VMA].lock);
	machine_destroy(m);
	return 0;
}

static void objects_are_zeroed_and_apart(void **state)
{
	enum { NR = 500 };
	static u8 *objects[NR];
	static const u8 zeros[OBJECT_BYTES];

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < NR; i++) {
			objects[i] = kmem_cache_alloc(m, CACHE_VMA);
			assert_non_null(objects[i]);
			assert_true(IS_ALIGNED((uintptr_t)objects[i], CACHELINE));
			assert_memory_equal(objects[i], zeros, OBJECT_BYTES);
			memset(objects[i], i, OBJECT_BYTES);
		}
		assert_int_equal(kmem_cache_in_use(m, CACHE_VMA), NR);
		for (int i = 0; i < NR; i++) {
			for (int k = 0; k < OBJECT_BYTES; k++)
				assert_int_equal(objects[i][k], (u8)i);
			kmem_cache_free(m, CACHE_VMA, objects[i]);
		}
		assert_int_equal(kmem_cache_in_use(m, CACHE_VMA), 0);
	}
	/* The second and third round took what the first had given back. */
	assert_in_range(m->caches[CACHE_VMA].objects_total, NR, 2 * NR);
}

static void caches_do_not_mix(void **state)
{
	u8 *small = kmem_cache_alloc(m, CACHE_AVC);
	u8 *large = kmem_cache_alloc(m, CACHE_VMA);

	(void)state;
	assert_true(small && large);
	memset(small, 1, 8);
	memset(large, 2, OBJECT_BYTES);
	kmem_cache_free(m, CACHE_AVC, small);
	assert_ptr_equal(kmem_cache_alloc(m, CACHE_AVC), small);
	assert_int_equal(large[0], 2);
	assert_true(kmem_cache_matches(m, CACHE_VMA, OBJECT_BYTES));
	assert_false(kmem_cache_matches(m, CACHE_VMA, OBJECT_BYTES + 8));
	assert_string_equal(kmem_cache_name(CACHE_VMA), "vm_area_struct");
}

static void freeing_twice_is_found(void **state)
{
	void *object = kmem_cache_alloc(m, CACHE_VMA);

	(void)state;
	kmem_cache_free(m, CACHE_VMA, object);
	expect_bug(free_vma, object, "vm_area_struct: object freed twice");
}

static void freeing_into_another_cache_is_found(void **state)
{
	void *object = kmem_cache_alloc(m, CACHE_AVC);

	(void)state;
	expect_bug(free_vma, object, "vm_area_struct: not an object of this cache");
}

static void freeing_the_middle_is_found(void **state)
{
	u8 *object = kmem_cache_alloc(m, CACHE_VMA);

	(void)state;
	expect_bug(free_vma, object + 16, "not an object of this cache");
}

static void freeing_a_foreign_pointer_is_found(void **state)
{
	u64 local = 0;

	(void)state;
	expect_bug(free_vma, &local, "not an object of this cache");
}

/* Each word of a free object but the first, which links it. */
static void writing_after_free_is_found(void **state)
{
	(void)state;
	for (u64 word = 1; word < OBJECT_BYTES / 8; word++) {
		u64 *object = kmem_cache_alloc(m, CACHE_VMA);
		u64 before;

		kmem_cache_free(m, CACHE_VMA, object);
		before = object[word];
		object[word] ^= 0x100;
		expect_bug(alloc_vma, NULL, "vm_area_struct: object written after it was freed");
		/* Mend it for the next round; the object was taken off its list already. */
		object[word] = before;
	}
}

static void failing_a_cache(void **state)
{
	const struct umm_fail second = { .site = "vm_area_struct", .order = -1, .nth = 2 };
	u64 seen, failed;

	(void)state;
	assert_int_equal(fail_set(m, &second), 0);
	assert_non_null(kmem_cache_alloc(m, CACHE_VMA));
	assert_non_null(kmem_cache_alloc(m, CACHE_AVC));
	assert_null(kmem_cache_alloc(m, CACHE_VMA));
	assert_non_null(kmem_cache_alloc(m, CACHE_VMA));
	fail_stats(m, &seen, &failed);
	assert_int_equal(seen, 3);
	assert_int_equal(failed, 1);
	assert_int_equal(kmem_cache_in_use(m, CACHE_VMA), 2);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(objects_are_zeroed_and_apart), TEST(caches_do_not_mix),
		TEST(freeing_twice_is_found),       TEST(freeing_into_another_cache_is_found),
		TEST(freeing_the_middle_is_found),  TEST(freeing_a_foreign_pointer_is_found),
		TEST(writing_after_free_is_found),  TEST(failing_a_cache),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
