-- A warehouse of layout 1: the first morning of tests/ingestion/test_migrations.py, loaded
-- and written out by the last version with that layout; raw.sessions without its rows.
create schema raw;
create schema raw_staging;
CREATE TABLE raw._dlt_loads(load_id VARCHAR NOT NULL, schema_name VARCHAR, status BIGINT NOT NULL, inserted_at TIMESTAMP WITH TIME ZONE NOT NULL, schema_version_hash VARCHAR);
CREATE TABLE raw._dlt_pipeline_state("version" BIGINT NOT NULL, engine_version BIGINT NOT NULL, pipeline_name VARCHAR NOT NULL, state VARCHAR NOT NULL, created_at TIMESTAMP WITH TIME ZONE NOT NULL, version_hash VARCHAR, _dlt_load_id VARCHAR NOT NULL, _dlt_id VARCHAR NOT NULL);
CREATE TABLE raw._dlt_version("version" BIGINT NOT NULL, engine_version BIGINT NOT NULL, inserted_at TIMESTAMP WITH TIME ZONE NOT NULL, schema_name VARCHAR NOT NULL, version_hash VARCHAR NOT NULL, "schema" VARCHAR NOT NULL);
CREATE TABLE raw.account_versions(account_number VARCHAR, content_hash VARCHAR, is_listed BOOLEAN, known_at TIMESTAMP, first_seen_at TIMESTAMP, last_seen_at TIMESTAMP);
insert into raw."account_versions" values
('601', '9d27ee73680bcd28d6de3734037a68bc', true, '2025-03-04 13:00:00', '2025-03-04 13:00:00', '2025-03-04 13:00:00'),
('602', '73161a7987f690e32471af06b874a335', true, '2025-03-04 13:00:00', '2025-03-04 13:00:00', '2025-03-04 13:00:00'),
('603', 'd86b523615cdc57cd62539de07efb129', true, '2025-03-04 13:00:00', '2025-03-04 13:00:00', '2025-03-04 13:00:00'),
('604', '0c4bd6b9d89524d592c403ae587fdf75', true, '2025-03-04 13:00:00', '2025-03-04 13:00:00', '2025-03-04 13:00:00'),
('605', 'e49ab0368a39b2b2f24d4490a6ef2864', true, '2025-03-04 13:00:00', '2025-03-04 13:00:00', '2025-03-04 13:00:00'),
('607', '25164ffd15efb306c5826a2ea3016e00', true, '2025-03-04 13:00:00', '2025-03-04 13:00:00', '2025-03-04 13:00:00');
CREATE TABLE raw.accounts(account_number VARCHAR, account_name VARCHAR, first_traded_date DATE, last_traded_date DATE, currency VARCHAR, cash_amount DECIMAL(18,8), unrealized_pnl DECIMAL(18,8), name_hash VARCHAR, content_hash VARCHAR);
insert into raw."accounts" values
('601', 'ZZB001', '2025-03-03', '2025-03-03', 'USD', 995.50000000, 300.00000000, 'xd7d2b3a5a259', '9d27ee73680bcd28d6de3734037a68bc'),
('602', 'ZZB002', '2025-03-03', '2025-03-03', 'USD', 294.00000000, 0E-8, 'x395897828fd8', '73161a7987f690e32471af06b874a335'),
('603', 'ZZB003', '2025-03-03', '2025-03-03', 'CAD', -0.01000000, 0.50000000, 'x637da3b0f31f', 'd86b523615cdc57cd62539de07efb129'),
('604', 'ZZB004 (DEMO) "Orbo" Plim, desk 2', '2025-03-03', '2025-03-03', 'USD', -0.02000000, -50.00000000, 'xfe861a858c32', '0c4bd6b9d89524d592c403ae587fdf75'),
('605', 'ZZB005_OLD', '2025-03-03', '2025-03-03', 'USD', 96.50000000, 0E-8, 'xfd0cfe1b4c00', 'e49ab0368a39b2b2f24d4490a6ef2864'),
('607', 'ZZB006', '2025-03-03', '2025-03-03', 'USD', 0E-8, -100.00000000, 'x3e179c9aad6b', '25164ffd15efb306c5826a2ea3016e00');
CREATE TABLE raw.adjustments(account_number VARCHAR NOT NULL, trade_date DATE NOT NULL, content_hash VARCHAR NOT NULL, row_number BIGINT NOT NULL, category VARCHAR, amount DECIMAL(18,8));
insert into raw."adjustments" values
('601', '2025-03-03', '9295d9d19c72c55aa355a03d8b025514', 1, 'Transfer: Wire', 1000.00000000);
CREATE TABLE raw.broker_days(account_number VARCHAR NOT NULL, trade_date DATE NOT NULL, content_hash VARCHAR NOT NULL, row_number BIGINT NOT NULL, instrument_type VARCHAR, orders_count BIGINT, fills_count BIGINT, quantity DECIMAL(18,8), gross_pnl DECIMAL(18,8), total_fees DECIMAL(18,8), net_pnl DECIMAL(18,8), adjusted_net_pnl DECIMAL(18,8), unrealized_delta DECIMAL(18,8), total_delta DECIMAL(18,8), transfers_amount DECIMAL(18,8), cash_amount DECIMAL(18,8), unrealized_pnl DECIMAL(18,8), end_balance DECIMAL(18,8));
insert into raw."broker_days" values
('601', '2025-03-03', 'b1965e3d2f155d7418e1d40b9f87e7d6', 1, 'Eq', 2, 4, 450.00000000, 0E-8, 4.50000000, -4.50000000, -4.50000000, 300.00000000, 295.50000000, 1000.00000000, 995.50000000, 300.00000000, 1295.50000000),
('602', '2025-03-03', 'b42b97e1c326bbe3884d771fa2aa4e31', 1, 'Eq', 2, 4, 600.00000000, 300.00000000, 6.00000000, 294.00000000, 294.00000000, 0E-8, 294.00000000, 0E-8, 294.00000000, 0E-8, 294.00000000),
('603', '2025-03-03', 'cb5378367d2109955c6db9104f848901', 1, 'Eq', 1, 1, 0.50000000, 0E-8, 0.01000000, -0.01000000, -0.01000000, 0.50000000, 0.50000000, 0E-8, -0.01000000, 0.50000000, 0.50000000),
('604', '2025-03-03', '4273f3327c7d21114c2e795a71e7fe95', 1, 'Op', 1, 1, 2.00000000, 0E-8, 0.02000000, -0.02000000, -0.02000000, -50.00000000, -50.02000000, 0E-8, -0.02000000, -50.00000000, -50.02000000),
('605', '2025-03-03', '4409602be37a27965e96c554d9e71dbc', 1, 'Eq', 1, 2, 350.00000000, 100.00000000, 3.50000000, 96.50000000, 96.50000000, 0E-8, 96.50000000, 0E-8, 96.50000000, 0E-8, 96.50000000),
('607', '2025-03-03', '2e2ce7d10a933c07dff1b7afb5361ec0', 1, 'Eq', 1, 1, 100.00000000, 0E-8, 0E-8, 0E-8, 0E-8, -100.00000000, -100.00000000, 0E-8, 0E-8, -100.00000000, -100.00000000);
CREATE TABLE raw.day_versions("resource" VARCHAR, account_number VARCHAR, trade_date DATE, content_hash VARCHAR, rows_count BIGINT, known_at TIMESTAMP, first_seen_at TIMESTAMP, last_seen_at TIMESTAMP);
insert into raw."day_versions" values
('adjustments', '601', '2025-03-03', '9295d9d19c72c55aa355a03d8b025514', 1, '2025-03-04 13:00:00', '2025-03-04 13:00:00', '2025-03-04 13:00:00'),
('broker_days', '601', '2025-03-03', 'b1965e3d2f155d7418e1d40b9f87e7d6', 1, '2025-03-04 13:00:00', '2025-03-04 13:00:00', '2025-03-04 13:00:00'),
('broker_days', '602', '2025-03-03', 'b42b97e1c326bbe3884d771fa2aa4e31', 1, '2025-03-04 13:00:00', '2025-03-04 13:00:00', '2025-03-04 13:00:00'),
('broker_days', '603', '2025-03-03', 'cb5378367d2109955c6db9104f848901', 1, '2025-03-04 13:00:00', '2025-03-04 13:00:00', '2025-03-04 13:00:00'),
('broker_days', '604', '2025-03-03', '4273f3327c7d21114c2e795a71e7fe95', 1, '2025-03-04 13:00:00', '2025-03-04 13:00:00', '2025-03-04 13:00:00'),
('broker_days', '605', '2025-03-03', '4409602be37a27965e96c554d9e71dbc', 1, '2025-03-04 13:00:00', '2025-03-04 13:00:00', '2025-03-04 13:00:00'),
('broker_days', '607', '2025-03-03', '2e2ce7d10a933c07dff1b7afb5361ec0', 1, '2025-03-04 13:00:00', '2025-03-04 13:00:00', '2025-03-04 13:00:00'),
('fills', '601', '2025-03-03', 'cc52153c3b402f353bd1be228e51a5c3', 4, '2025-03-04 13:00:00', '2025-03-04 13:00:00', '2025-03-04 13:00:00'),
('fills', '602', '2025-03-03', '439ebeb010d07c398dcf884879e6a51c', 4, '2025-03-04 13:00:00', '2025-03-04 13:00:00', '2025-03-04 13:00:00'),
('fills', '603', '2025-03-03', '03460ab752d0edf295d4dc280eb2852c', 1, '2025-03-04 13:00:00', '2025-03-04 13:00:00', '2025-03-04 13:00:00'),
('fills', '604', '2025-03-03', 'd795da43d845a64fe42f96caf7b00577', 1, '2025-03-04 13:00:00', '2025-03-04 13:00:00', '2025-03-04 13:00:00'),
('fills', '605', '2025-03-03', '17fa7aee55b9703f846a5da7a5a96c70', 3, '2025-03-04 13:00:00', '2025-03-04 13:00:00', '2025-03-04 13:00:00'),
('positions', '601', '2025-03-03', '59c158151027452ddd25a8e0b5d83388', 2, '2025-03-04 13:00:00', '2025-03-04 13:00:00', '2025-03-04 13:00:00'),
('positions', '602', '2025-03-03', '2e64e13ade3affb147064a24f83f8c68', 1, '2025-03-04 13:00:00', '2025-03-04 13:00:00', '2025-03-04 13:00:00'),
('positions', '603', '2025-03-03', '074fa80ba9825f69a9bcbb700c3e60c9', 1, '2025-03-04 13:00:00', '2025-03-04 13:00:00', '2025-03-04 13:00:00'),
('positions', '604', '2025-03-03', 'e640a85eb18abf2c41c569b83c108ebb', 1, '2025-03-04 13:00:00', '2025-03-04 13:00:00', '2025-03-04 13:00:00'),
('positions', '605', '2025-03-03', 'ad979ab6bab611e3b9eb3b36962e58a7', 1, '2025-03-04 13:00:00', '2025-03-04 13:00:00', '2025-03-04 13:00:00'),
('positions', '607', '2025-03-03', '56c7351f390328b253233e6370fc8825', 1, '2025-03-04 13:00:00', '2025-03-04 13:00:00', '2025-03-04 13:00:00');
CREATE TABLE raw.extra_cells("resource" VARCHAR, account_number VARCHAR NOT NULL, trade_date DATE NOT NULL, content_hash VARCHAR NOT NULL, row_number BIGINT NOT NULL, column_name VARCHAR, cell VARCHAR);
CREATE TABLE raw.fill_fees(account_number VARCHAR NOT NULL, trade_date DATE NOT NULL, content_hash VARCHAR NOT NULL, row_number BIGINT NOT NULL, fee_name VARCHAR, amount DECIMAL(18,8));
insert into raw."fill_fees" values
('601', '2025-03-03', 'cc52153c3b402f353bd1be228e51a5c3', 1, 'comm', 0.50000000),
('601', '2025-03-03', 'cc52153c3b402f353bd1be228e51a5c3', 2, 'comm', 4.00000000),
('602', '2025-03-03', '439ebeb010d07c398dcf884879e6a51c', 3, 'comm', 6.00000000),
('603', '2025-03-03', '03460ab752d0edf295d4dc280eb2852c', 1, 'comm', 0.00500000),
('604', '2025-03-03', 'd795da43d845a64fe42f96caf7b00577', 1, 'comm', 0.02000000),
('605', '2025-03-03', '17fa7aee55b9703f846a5da7a5a96c70', 1, 'comm', 1.00000000),
('605', '2025-03-03', '17fa7aee55b9703f846a5da7a5a96c70', 2, 'comm', 2.50000000),
('605', '2025-03-03', '17fa7aee55b9703f846a5da7a5a96c70', 3, 'comm', 1.50000000);
CREATE TABLE raw.fills(account_number VARCHAR NOT NULL, trade_date DATE NOT NULL, content_hash VARCHAR NOT NULL, row_number BIGINT NOT NULL, filled_at_et TIMESTAMP, side VARCHAR, quantity DECIMAL(18,8), symbol VARCHAR, price DECIMAL(18,8), route VARCHAR, liquidity VARCHAR, order_id VARCHAR, fill_id VARCHAR, currency VARCHAR, isin VARCHAR, cusip VARCHAR, status VARCHAR, propreports_id VARCHAR, total_fees DECIMAL(18,8));
insert into raw."fills" values
('601', '2025-03-03', 'cc52153c3b402f353bd1be228e51a5c3', 1, '2025-03-03 09:31:00', 'B', 50.00000000, 'WWX', 10.00000000, null, null, 'B', '2', 'USD', null, null, 'REGULAR', '910002', 0.50000000),
('601', '2025-03-03', 'cc52153c3b402f353bd1be228e51a5c3', 2, '2025-03-03 09:31:09', 'B', 100.00000000, 'QQZ', 21.00000000, null, null, 'A', '4', 'USD', null, null, 'REGULAR', '910004', 4.00000000),
('601', '2025-03-03', 'cc52153c3b402f353bd1be228e51a5c3', 3, '2025-03-03 09:31:02', 'B', 200.00000000, 'QQZ', 20.00000000, null, null, 'A', '3', 'USD', null, null, 'REGULAR', '910003', 0E-8),
('601', '2025-03-03', 'cc52153c3b402f353bd1be228e51a5c3', 4, '2025-03-03 09:31:00', 'B', 100.00000000, 'QQZ', 20.00000000, null, null, 'A', '1', 'USD', null, null, 'REGULAR', '910001', 0E-8),
('602', '2025-03-03', '439ebeb010d07c398dcf884879e6a51c', 1, '2025-03-03 10:00:00', 'T', 100.00000000, 'WWX', 10.00000000, null, null, 'C', '77', 'USD', null, null, 'REGULAR', '910006', 0E-8),
('602', '2025-03-03', '439ebeb010d07c398dcf884879e6a51c', 2, '2025-03-03 10:00:00', 'T', 100.00000000, 'WWX', 10.00000000, null, null, 'C', '77', 'USD', null, null, 'REGULAR', '910007', 0E-8),
('602', '2025-03-03', '439ebeb010d07c398dcf884879e6a51c', 3, '2025-03-03 15:59:59', 'C', 300.00000000, 'WWX', 9.00000000, null, null, 'D', '9', 'USD', null, null, 'REGULAR', '910009', 6.00000000),
('602', '2025-03-03', '439ebeb010d07c398dcf884879e6a51c', 4, '2025-03-03 10:05:00', 'T', 100.00000000, 'WWX', 10.00000000, null, null, 'C', '77', 'USD', null, null, 'REGULAR', '910008', 0E-8),
('603', '2025-03-03', '03460ab752d0edf295d4dc280eb2852c', 1, '2025-03-03 10:00:00', 'B', 0.50000000, 'MMP.TO', 100.00000000, null, null, 'C', '77', 'CAD', null, null, 'REGULAR', '910010', 0.00500000),
('604', '2025-03-03', 'd795da43d845a64fe42f96caf7b00577', 1, '2025-03-03 11:00:00', 'B', 2.00000000, '+QQZ250321C21', 1.25000000, null, null, 'E', '12', 'USD', null, null, 'REGULAR', '910012', 0.02000000),
('605', '2025-03-03', '17fa7aee55b9703f846a5da7a5a96c70', 1, '2025-03-03 12:00:00', 'B', 100.00000000, 'QQZ', 20.00000000, null, null, null, '14', 'USD', null, null, null, '910014', 1.00000000),
('605', '2025-03-03', '17fa7aee55b9703f846a5da7a5a96c70', 2, '2025-03-03 12:30:00', 'S', 250.00000000, 'QQZ', 21.00000000, null, null, null, '15', 'USD', null, null, null, '910015', 2.50000000),
('605', '2025-03-03', '17fa7aee55b9703f846a5da7a5a96c70', 3, '2025-03-03 12:45:00', 'B', 150.00000000, 'QQZ', 21.00000000, null, null, null, '16', 'USD', null, null, 'CXLD', '910016', 1.50000000);
CREATE TABLE raw.gate_results(as_of DATE, check_name VARCHAR, severity VARCHAR, batch VARCHAR, is_met BOOLEAN, found_count BIGINT, checked_count BIGINT, finding VARCHAR, checked_at TIMESTAMP);
insert into raw."gate_results" values
('2026-11-28', 'dates_in_sessions', 'warning', 'fills 2025-03-03..2025-03-03', true, 0, 13, '0 fills lie on days on which the exchange was closed (fills 2025-03-03..2025-03-03)', '2025-03-04 13:00:00'),
('2026-11-28', 'days_vanished', 'critical', 'what was read, part 1', true, 0, 1, '0 PropReports no longer shows most of the account-days it showed before: has API_GROUP_ID or a permission changed? (what was read, part 1)', '2025-03-04 13:00:00'),
('2026-11-28', 'firm_fresh', 'warning', 'the firm', false, 438, 1, '438 sessions before the AS_OF date are without a single fill of the firm (the firm)', '2025-03-04 13:00:00'),
('2026-11-28', 'firm_not_stale', 'critical', 'the firm', false, 438, 1, '438 more than 5 sessions before the AS_OF date are without a single fill of the firm: does PropReports still get them? (the firm)', '2025-03-04 13:00:00'),
('2026-11-28', 'firm_volume_usual', 'warning', 'the firm', true, 0, 1, '0 of its usual number of fills is all the firm has on its last day: have all files arrived? (the firm)', '2025-03-04 13:00:00'),
('2026-11-28', 'prices_not_negative', 'warning', 'fills 2025-03-03..2025-03-03', true, 0, 13, '0 fills have a price below zero, as only spreads may (fills 2025-03-03..2025-03-03)', '2025-03-04 13:00:00'),
('2026-11-28', 'prices_usual', 'warning', 'fills 2025-03-03..2025-03-03', true, 0, 13, '0 equity fills are priced over 5 times, or below a 5th of, their symbol''s median of the day (fills 2025-03-03..2025-03-03)', '2025-03-04 13:00:00'),
('2026-11-28', 'quantities_positive', 'critical', 'fills 2025-03-03..2025-03-03', true, 0, 13, '0 fills have no quantity (fills 2025-03-03..2025-03-03)', '2025-03-04 13:00:00'),
('2026-11-28', 'quantities_usual', 'warning', 'fills 2025-03-03..2025-03-03', true, 0, 13, '0 fills are larger than 1,000,000 units (fills 2025-03-03..2025-03-03)', '2025-03-04 13:00:00'),
('2026-11-28', 'rows_rejected', 'critical', 'what was read, part 1', true, 0, 1, '0 over 20% of the rows cannot be read: has the format changed? raw.quarantine names the rows (what was read, part 1)', '2025-03-04 13:00:00'),
('2026-11-28', 'sides', 'critical', 'fills 2025-03-03..2025-03-03', true, 0, 13, '0 fills have a side that is not B, S, T or C (fills 2025-03-03..2025-03-03)', '2025-03-04 13:00:00'),
('2026-11-28', 'times_eastern', 'critical', 'fills 2025-03-03..2025-03-03', true, 0, 13, '0 equity fills lie outside 04:00 to 20:00, most of them: are the times Eastern? (fills 2025-03-03..2025-03-03)', '2025-03-04 13:00:00'),
('2026-11-28', 'times_in_day', 'warning', 'fills 2025-03-03..2025-03-03', true, 0, 13, '0 equity fills lie outside 04:00 to 20:00 (fills 2025-03-03..2025-03-03)', '2025-03-04 13:00:00');
CREATE TABLE raw.load_progress(request VARCHAR PRIMARY KEY, last_date DATE, read_at TIMESTAMP);
CREATE TABLE raw.positions(account_number VARCHAR NOT NULL, trade_date DATE NOT NULL, content_hash VARCHAR NOT NULL, row_number BIGINT NOT NULL, symbol VARCHAR, quantity DECIMAL(18,8), average_price DECIMAL(18,8), close_price DECIMAL(18,8), unrealized_pnl DECIMAL(18,8));
insert into raw."positions" values
('601', '2025-03-03', '59c158151027452ddd25a8e0b5d83388', 1, 'WWX', 50.00000000, 10.00000000, 10.00000000, 0E-8),
('601', '2025-03-03', '59c158151027452ddd25a8e0b5d83388', 2, 'QQZ', 400.00000000, 20.25000000, 21.00000000, 300.00000000),
('602', '2025-03-03', '2e64e13ade3affb147064a24f83f8c68', 1, 'WWX', 0E-8, null, 10.00000000, 0E-8),
('603', '2025-03-03', '074fa80ba9825f69a9bcbb700c3e60c9', 1, 'MMP.TO', 0.50000000, 100.00000000, 101.00000000, 0.50000000),
('604', '2025-03-03', 'e640a85eb18abf2c41c569b83c108ebb', 1, '+QQZ250321C21', 2.00000000, 1.25000000, 1.00000000, -50.00000000),
('605', '2025-03-03', 'ad979ab6bab611e3b9eb3b36962e58a7', 1, 'QQZ', -150.00000000, 21.00000000, 21.00000000, 0E-8),
('607', '2025-03-03', '56c7351f390328b253233e6370fc8825', 1, 'QQZ', -100.00000000, 20.00000000, 21.00000000, -100.00000000);
CREATE TABLE raw.quarantine("resource" VARCHAR, origin VARCHAR, line_number BIGINT, column_name VARCHAR, cell VARCHAR, reason VARCHAR, trade_date DATE, rejected_at TIMESTAMP);
insert into raw."quarantine" values
('fills', 'fills 2025-03-03..2025-03-31', 4, 'B/S', 'X', 'is not one of B, S, T, C', '2025-03-03', '2025-03-04 13:00:00');
CREATE TABLE raw.run_context("source" VARCHAR, firm VARCHAR, as_of DATE, prediction_date DATE, ingested_at TIMESTAMP);
insert into raw."run_context" values
('api', 'simulated firm', '2026-11-28', '2026-11-30', '2025-03-04 13:00:00');
CREATE TABLE raw.sessions(session_date DATE, opens_at_et TIMESTAMP, closes_at_et TIMESTAMP, is_early_close BOOLEAN);
CREATE TABLE raw_staging._dlt_version("version" BIGINT NOT NULL, engine_version BIGINT NOT NULL, inserted_at TIMESTAMP WITH TIME ZONE NOT NULL, schema_name VARCHAR NOT NULL, version_hash VARCHAR NOT NULL, "schema" VARCHAR NOT NULL);
CREATE TABLE raw_staging.accounts(account_number VARCHAR, account_name VARCHAR, first_traded_date DATE, last_traded_date DATE, currency VARCHAR, cash_amount DECIMAL(18,8), unrealized_pnl DECIMAL(18,8), name_hash VARCHAR, content_hash VARCHAR);
CREATE TABLE raw_staging.adjustments(account_number VARCHAR NOT NULL, trade_date DATE NOT NULL, content_hash VARCHAR NOT NULL, row_number BIGINT NOT NULL, category VARCHAR, amount DECIMAL(18,8));
CREATE TABLE raw_staging.broker_days(account_number VARCHAR NOT NULL, trade_date DATE NOT NULL, content_hash VARCHAR NOT NULL, row_number BIGINT NOT NULL, instrument_type VARCHAR, orders_count BIGINT, fills_count BIGINT, quantity DECIMAL(18,8), gross_pnl DECIMAL(18,8), total_fees DECIMAL(18,8), net_pnl DECIMAL(18,8), adjusted_net_pnl DECIMAL(18,8), unrealized_delta DECIMAL(18,8), total_delta DECIMAL(18,8), transfers_amount DECIMAL(18,8), cash_amount DECIMAL(18,8), unrealized_pnl DECIMAL(18,8), end_balance DECIMAL(18,8));
CREATE TABLE raw_staging.extra_cells("resource" VARCHAR, account_number VARCHAR NOT NULL, trade_date DATE NOT NULL, content_hash VARCHAR NOT NULL, row_number BIGINT NOT NULL, column_name VARCHAR, cell VARCHAR);
CREATE TABLE raw_staging.fill_fees(account_number VARCHAR NOT NULL, trade_date DATE NOT NULL, content_hash VARCHAR NOT NULL, row_number BIGINT NOT NULL, fee_name VARCHAR, amount DECIMAL(18,8));
CREATE TABLE raw_staging.fills(account_number VARCHAR NOT NULL, trade_date DATE NOT NULL, content_hash VARCHAR NOT NULL, row_number BIGINT NOT NULL, filled_at_et TIMESTAMP, side VARCHAR, quantity DECIMAL(18,8), symbol VARCHAR, price DECIMAL(18,8), route VARCHAR, liquidity VARCHAR, order_id VARCHAR, fill_id VARCHAR, currency VARCHAR, isin VARCHAR, cusip VARCHAR, status VARCHAR, propreports_id VARCHAR, total_fees DECIMAL(18,8));
CREATE TABLE raw_staging.positions(account_number VARCHAR NOT NULL, trade_date DATE NOT NULL, content_hash VARCHAR NOT NULL, row_number BIGINT NOT NULL, symbol VARCHAR, quantity DECIMAL(18,8), average_price DECIMAL(18,8), close_price DECIMAL(18,8), unrealized_pnl DECIMAL(18,8));
CREATE TABLE raw_staging.sessions(session_date DATE, opens_at_et TIMESTAMP, closes_at_et TIMESTAMP, is_early_close BOOLEAN);
