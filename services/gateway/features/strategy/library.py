"""KPIs to start from, by department, in both languages (G-30). Only a start: each is asked about like any other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Words = tuple[str, str]
"""In Vietnamese and in English."""


@dataclass(frozen=True, slots=True)
class Template:
    name: Words
    statement: Words
    unit: Words
    target: str
    """As the contract writes numbers."""
    kind: str = "LEVEL"
    direction: str = "INCREASE"
    period: str = "MONTH"

    def values(self, code: str) -> dict[str, str]:
        """What the form starts with, in a language; numbers are those of the contract."""
        at = 0 if code == "vi" else 1
        return {
            "name": self.name[at],
            "statement": self.statement[at],
            "measured_in": self.unit[at],
            "target": self.target,
            "kind": self.kind,
            "direction": self.direction,
            "period": self.period,
        }


_CALLS = ("cuộc", "calls")
_PERCENT = ("%", "%")
DEPARTMENTS: Mapping[str, Words] = {
    "sales": ("Kinh doanh", "Sales"),
    "marketing": ("Marketing", "Marketing"),
    "hr": ("Nhân sự", "People"),
    "service": ("Chăm sóc khách hàng", "Customer service"),
}
LIBRARY: Mapping[str, Sequence[Template]] = {
    "sales": (
        Template(
            ("Doanh số tháng", "Monthly sales"),
            (
                "Đạt doanh số 300 triệu đồng mỗi tháng từ nhóm khách hàng doanh nghiệp",
                "Sell for 300 million đồng a month to business customers",
            ),
            ("VND", "VND"),
            "300000000",
            "CUMULATIVE",
        ),
        Template(
            ("Khách tiềm năng → khách hàng", "Leads to customers"),
            (
                "Chuyển 20 % khách hàng tiềm năng trong tháng thành khách hàng trả phí",
                "Turn 20 % of the leads of a month into paying customers",
            ),
            _PERCENT,
            "20",
        ),
        Template(
            ("Cuộc gọi và gặp", "Calls and meetings"),
            (
                "Có ít nhất 80 cuộc gọi hoặc buổi gặp tư vấn mỗi tháng với khách hàng tiềm năng",
                "Hold at least 80 calls or meetings with leads a month",
            ),
            _CALLS,
            "80",
            "CUMULATIVE",
        ),
        Template(
            ("Giữ chân khách hàng", "Retention"),
            (
                "Giữ chân ít nhất 85 % khách hàng trả phí qua mỗi quý",
                "Keep at least 85 % of the paying customers over a quarter",
            ),
            _PERCENT,
            "85",
            period="QUARTER",
        ),
    ),
    "marketing": (
        Template(
            ("Truy cập tự nhiên", "Organic traffic"),
            (
                "Tăng 30 % lượt truy cập tự nhiên vào trang web trong 3 tháng",
                "Raise organic visits to the site by 30 % in 3 months",
            ),
            _PERCENT,
            "30",
        ),
        Template(
            ("Khách tiềm năng mới", "New leads"),
            (
                "Thu hút ít nhất 200 khách hàng tiềm năng đăng ký mỗi tháng",
                "Win at least 200 leads who sign up each month",
            ),
            ("khách", "leads"),
            "200",
            "CUMULATIVE",
        ),
        Template(
            ("Tỷ lệ mở e-mail", "E-mails opened"),
            (
                "Ít nhất 25 % e-mail gửi cho khách hàng tiềm năng được mở trong mỗi chiến dịch",
                "At least 25 % of the e-mails of a campaign are opened",
            ),
            _PERCENT,
            "25",
        ),
        Template(
            ("Chi phí mỗi chuyển đổi", "Cost per conversion"),
            (
                "Giữ chi phí cho mỗi lượt chuyển đổi dưới 10.000 đồng trong tháng",
                "Keep the cost of a conversion below 10,000 đồng in a month",
            ),
            ("VND", "VND"),
            "10000",
            direction="DECREASE",
        ),
        Template(
            ("Tương tác mạng xã hội", "Social interaction"),
            (
                "Tăng 15 % tương tác trên mạng xã hội mỗi tháng so với tháng trước",
                "Raise interaction on social media by 15 % a month",
            ),
            _PERCENT,
            "15",
        ),
    ),
    "hr": (
        Template(
            ("Tỷ lệ nghỉ việc", "Turnover"),
            (
                "Giữ tỷ lệ nhân viên nghỉ việc mỗi quý không quá 10 %",
                "No more than 10 % of the staff leave in a quarter",
            ),
            _PERCENT,
            "10",
            direction="DECREASE",
            period="QUARTER",
        ),
        Template(
            ("Thời gian tuyển dụng", "Time to hire"),
            (
                "Tuyển xong mỗi vị trí trong không quá 20 ngày kể từ khi đăng tin",
                "Fill a position within 20 days of its announcement",
            ),
            ("ngày", "days"),
            "20",
            direction="DECREASE",
        ),
        Template(
            ("Nhân viên đạt KPI", "Staff who meet their KPIs"),
            (
                "Ít nhất 80 % nhân viên hoàn thành KPI của chính mình trong quý",
                "At least 80 % of the staff meet their own KPIs in a quarter",
            ),
            _PERCENT,
            "80",
            period="QUARTER",
        ),
        Template(
            ("Hài lòng nội bộ", "Satisfaction"),
            (
                "Điểm hài lòng của nhân viên trong khảo sát quý đạt ít nhất 8/10",
                "Staff rate their work at 8 of 10 or more in the quarterly survey",
            ),
            ("điểm", "points"),
            "8",
            period="QUARTER",
        ),
        Template(
            ("Tham gia đào tạo", "Training"),
            (
                "Ít nhất 90 % nhân viên tham gia đủ các buổi đào tạo trong quý",
                "At least 90 % of the staff attend all training of a quarter",
            ),
            _PERCENT,
            "90",
            period="QUARTER",
        ),
    ),
    "service": (
        Template(
            ("CSAT", "CSAT"),
            (
                "Ít nhất 90 % khách hàng hài lòng sau mỗi lần được hỗ trợ trong tháng",
                "At least 90 % of the customers are content after being helped",
            ),
            _PERCENT,
            "90",
        ),
        Template(
            ("Thời gian phản hồi", "Time to reply"),
            (
                "Phản hồi mỗi yêu cầu của khách hàng trong không quá 4 giờ làm việc",
                "Reply to every request within 4 working hours",
            ),
            ("giờ", "hours"),
            "4",
            direction="DECREASE",
            period="WEEK",
        ),
        Template(
            ("Khiếu nại được giải quyết", "Complaints solved"),
            (
                "Giải quyết xong ít nhất 95 % khiếu nại của khách hàng trong tháng",
                "Solve at least 95 % of the complaints of a month",
            ),
            _PERCENT,
            "95",
        ),
        Template(
            ("Khách hàng quay lại", "Returning customers"),
            (
                "Ít nhất 70 % khách hàng cũ quay lại mua trong quý",
                "At least 70 % of the customers buy again in a quarter",
            ),
            _PERCENT,
            "70",
            period="QUARTER",
        ),
        Template(
            ("Thời gian xử lý", "Handling time"),
            (
                "Xử lý xong mỗi yêu cầu trong không quá 15 phút",
                "Settle a request within 15 minutes",
            ),
            ("phút", "minutes"),
            "15",
            direction="DECREASE",
            period="WEEK",
        ),
    ),
}
"""In the order of pages. A template is named by its department and its number, as "sales.0"."""


def template(name: str) -> Template | None:
    """None: there is none of that name."""
    department, _, number = name.partition(".")
    found = LIBRARY.get(department, ())
    return found[int(number)] if number.isascii() and number.isdigit() and int(number) < len(found) else None
