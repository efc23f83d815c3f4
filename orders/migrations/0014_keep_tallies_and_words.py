"""Triggers that keep the tallies and the search words, in the transaction that changes the order.

Tallies only ever gain rows, plus and minus, so writers of one merchant never wait for each other. Every fiftieth row or
so its writer folds what its merchant has, leaving out what another transaction holds: sums are exact at any moment.
"""

from django.db import migrations

from accounts.rowsecurity import SYSTEM_ROLE, shut_table

WORDS = """
create function orders_words(search_text text) returns setof text language sql immutable as $$
  with pieces as (
    select btrim(piece, '.,;:!?()[]{}"''&/|+*#') as piece
    from string_to_table(translate(upper(search_text), E'\n\t\r', '   '), ' ') piece
  )
  select distinct left(word, 60) from (
    select piece as word from pieces
    union all select right(piece, 6) from pieces where length(piece) >= 12 and piece ~ '^[0-9]+$'
    union all select part from pieces, regexp_split_to_table(piece, '[^[:alnum:]]+') part
      where piece ~ '[^[:alnum:]]' and length(part) > 2
  ) found where length(word) > 1
$$;
"""

TALLIES = """
create function orders_keep_tallies() returns trigger language plpgsql as $$
declare
  made int;
begin
  if tg_op = 'UPDATE' then
    insert into orders_ordertally
      (merchant_id, source_store_id, tab, state, attention, is_sample, is_preorder, has_cancel_request, count)
    select merchant_id, source_store_id, tab, state, attention, is_sample, is_preorder, has_request, sum(sign)
    from (
      select *, cancel_requested_at is not null as has_request, 1 as sign from fresh
      union all select *, cancel_requested_at is not null, -1 from stale
    ) changed group by 1, 2, 3, 4, 5, 6, 7, 8 having sum(sign) <> 0;
  elsif tg_op = 'INSERT' then
    insert into orders_ordertally
      (merchant_id, source_store_id, tab, state, attention, is_sample, is_preorder, has_cancel_request, count)
    select merchant_id, source_store_id, tab, state, attention, is_sample, is_preorder,
      cancel_requested_at is not null, count(*)
    from fresh group by 1, 2, 3, 4, 5, 6, 7, 8;
  else
    insert into orders_ordertally
      (merchant_id, source_store_id, tab, state, attention, is_sample, is_preorder, has_cancel_request, count)
    select merchant_id, source_store_id, tab, state, attention, is_sample, is_preorder,
      cancel_requested_at is not null, -count(*)
    from stale group by 1, 2, 3, 4, 5, 6, 7, 8;
    return null;
  end if;
  get diagnostics made = row_count;
  if made > 0 and currval('orders_ordertally_id_seq') % 50 < made then
    perform orders_fold_tallies(merchant_id) from (select distinct merchant_id from fresh) touched;
  end if;
  return null;
end $$;

create function orders_fold_tallies(whose bigint) returns void language sql as $$
  with gone as (
    delete from orders_ordertally where id in (
      select id from orders_ordertally where merchant_id = whose for update skip locked limit 1000
    ) returning *
  )
  insert into orders_ordertally
    (merchant_id, source_store_id, tab, state, attention, is_sample, is_preorder, has_cancel_request, count)
  select merchant_id, source_store_id, tab, state, attention, is_sample, is_preorder, has_cancel_request, sum(count)
  from gone group by 1, 2, 3, 4, 5, 6, 7, 8 having sum(count) <> 0
$$;

create trigger orders_tally_new after insert on orders_order
  referencing new table as fresh for each statement execute function orders_keep_tallies();
create trigger orders_tally_changed after update on orders_order
  referencing old table as stale new table as fresh for each statement execute function orders_keep_tallies();
create trigger orders_tally_gone after delete on orders_order
  referencing old table as stale for each statement execute function orders_keep_tallies();

alter table orders_ordertally set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
"""

KEEP_WORDS = """
create function orders_keep_words() returns trigger language plpgsql as $$
begin
  if tg_op <> 'INSERT' then
    delete from orders_searchword gone using stale, orders_words(stale.search_text) as spelled (word)
    where gone.merchant_id = stale.merchant_id and gone.word = spelled.word and gone.order_id = stale.id;
  end if;
  if tg_op <> 'DELETE' then
    insert into orders_searchword (merchant_id, word, order_id)
    select merchant_id, word, id from fresh, orders_words(search_text) word;
  end if;
  return null;
end $$;

create function orders_change_words() returns trigger language plpgsql as $$
begin
  if starts_with(new.search_text, old.search_text || E'\n') then
    insert into orders_searchword (merchant_id, word, order_id)
    select new.merchant_id, word, new.id from orders_words(substr(new.search_text, length(old.search_text) + 1)) word
    on conflict do nothing;
    return null;
  end if;
  delete from orders_searchword
  where merchant_id = old.merchant_id and order_id = old.id and word in (
    select orders_words(old.search_text) except select orders_words(new.search_text)
  );
  insert into orders_searchword (merchant_id, word, order_id)
  select new.merchant_id, word, new.id from (
    select orders_words(new.search_text) except select orders_words(old.search_text)
  ) as added (word);
  return null;
end $$;

create trigger orders_words_new after insert on orders_order
  referencing new table as fresh for each statement execute function orders_keep_words();
create trigger orders_words_changed after update of search_text on orders_order
  for each row when (old.search_text is distinct from new.search_text) execute function orders_change_words();
create trigger orders_words_gone after delete on orders_order
  referencing old table as stale for each statement execute function orders_keep_words();
"""

# What is there already; as the role that sees every merchant, since the tables' owner sees none.
FILL = f"""
set local role {SYSTEM_ROLE};
insert into orders_ordertally
  (merchant_id, source_store_id, tab, state, attention, is_sample, is_preorder, has_cancel_request, count)
select merchant_id, source_store_id, tab, state, attention, is_sample, is_preorder, cancel_requested_at is not null,
  count(*)
from orders_order group by 1, 2, 3, 4, 5, 6, 7, 8;
insert into orders_searchword (merchant_id, word, order_id)
select merchant_id, word, id from orders_order, orders_words(search_text) word;
reset role;
"""

UNDO = """
drop trigger orders_tally_new on orders_order;
drop trigger orders_tally_changed on orders_order;
drop trigger orders_tally_gone on orders_order;
drop trigger orders_words_new on orders_order;
drop trigger orders_words_changed on orders_order;
drop trigger orders_words_gone on orders_order;
drop function orders_keep_tallies();
drop function orders_fold_tallies(bigint);
drop function orders_keep_words();
drop function orders_change_words();
drop function orders_words(text);
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0013_tallies_and_search_words")]

    operations = [
        shut_table("orders_ordertally"),
        shut_table("orders_searchword"),
        migrations.RunSQL(WORDS + TALLIES + KEEP_WORDS, UNDO),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
